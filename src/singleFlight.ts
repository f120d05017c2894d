/** The same work, never twice at once: whoever asks while it goes on is given what comes of that. */
export function singleFlight<T>(work: () => Promise<T>): () => Promise<T> {
  let going: Promise<T> | undefined;
  return () => {
    going ??= work().finally(() => {
      going = undefined;
    });
    return going;
  };
}
