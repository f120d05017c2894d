// Reads as pages: what a stream or $all shows from a place on, in either direction, a bounded amount at a time. A caller goes on
// from where the page says, when it can take more. Links are resolved here.
import { LAST_REVISION, LINK_TYPE, type StoredEvent } from './events.ts';
import { encodeReadEvent, type IdFormat, type NamedEvent } from './readEvent.ts';
import type { Storage } from './storage.ts';
import { type Streams, visibleFrom } from './streams.ts';

/** `next` is where the following page begins; undefined at the end of what there is now. */
export type Page = { events: StoredEvent[]; next: number | undefined };

export type Reads = ReturnType<typeof readsOf>;

const pageEvents = 256;

export function readsOf(storage: Storage, streams: Streams, head: () => number) {
  // Subscribers who have caught up all ask for the same page after each commit; it is read once for all of them.
  let newest: { from: number; head: number; page: Page } | undefined;

  function named(event: StoredEvent): NamedEvent {
    return { event, stream: streams.encodedNameOf(event.stream) };
  }

  /** The event that a link points to (its data are "revision@stream"), if it is still shown. */
  function resolve(link: StoredEvent): StoredEvent | undefined {
    const [, revision, name] = /^(\d+)@(.+)$/s.exec(Buffer.from(link.data).toString()) ?? [];
    if (revision === undefined || name === undefined) return undefined;
    return streams.shown(streams.get(name), Number(revision));
  }

  return {
    all(from: number, limit: number): Page {
      if (from > head()) return { events: [], next: undefined };
      if (newest?.from === from && newest.head === head() && limit >= pageEvents) return newest.page;
      const events = storage.all(from, Math.min(limit, pageEvents));
      const last = events.at(-1);
      const page = { events, next: last && last.position + 1 };
      if (last?.position === head() && limit >= pageEvents) newest = { from, head: head(), page };
      return page;
    },
    allBackwards(before: number, limit: number): Page {
      const events = storage.allBackwards(before, Math.min(limit, pageEvents));
      return { events, next: events.at(-1)?.position };
    },
    stream(name: string, from: number, limit: number): Page {
      const stream = streams.get(name);
      const first = visibleFrom(stream, Date.now());
      const events = storage.stream(stream.id, Math.max(from, first.revision), stream.last, first.since, Math.min(limit, pageEvents));
      const last = events.at(-1);
      return { events, next: last && last.revision + 1 };
    },
    /** What was written to a stream, whether or not it is still shown; its tombstone is not among it. */
    written(name: string, from: number): Page {
      const events = storage.stream(streams.get(name).id, from, LAST_REVISION - 1, 0, pageEvents);
      const last = events.at(-1);
      return { events, next: last && last.revision + 1 };
    },
    streamBackwards(name: string, from: number, limit: number): Page {
      const stream = streams.get(name);
      const first = visibleFrom(stream, Date.now());
      const events = storage.streamBackwards(stream.id, from, first.revision, first.since, Math.min(limit, pageEvents));
      const last = events.at(-1);
      return { events, next: last && last.revision - 1 };
    },
    /** The event as it is sent, or its target beside it if it is a link and links are to be resolved. */
    encode(event: StoredEvent, resolveLinks: boolean, ids: IdFormat): Buffer {
      if (!resolveLinks || event.type !== LINK_TYPE) return encodeReadEvent(named(event), undefined, ids);
      const target = resolve(event);
      return encodeReadEvent(target && named(target), named(event), ids);
    },
  };
}
