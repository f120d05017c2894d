import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Incoming } from '../../../src/postgres/embedded/protocol.ts';

const message = (type: string, body: Uint8Array) => {
  const header = Buffer.alloc(5);
  header.write(type);
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
};
const messages = fc.array(
  fc
    .tuple(fc.constantFrom('P', 'B', 'D', 'E', 'S', 'Q', 'H', 'd', 'c'), fc.uint8Array({ maxLength: 200 }))
    .map(([type, body]) => message(type, body)),
);

test('however the bytes arrive, exchanges come out whole and in order, and end where the backend answers', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sent, sizes) => {
      const incoming = new Incoming();
      const bytes = Buffer.concat(sent);
      const taken: Buffer[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        incoming.push(bytes.subarray(at, at + size));
        at += size;
        for (let exchange = incoming.takeExchange(); exchange; exchange = incoming.takeExchange()) taken.push(exchange.messages);
      }
      const isEnd = (one: Buffer) => 'SQH'.includes(String.fromCharCode(one.readUInt8(0)));
      const whole = sent.slice(0, sent.findLastIndex(isEnd) + 1);
      expect(Buffer.concat(taken)).toEqual(Buffer.concat(whole));
      expect(taken).toHaveLength(whole.filter(isEnd).length);
    }),
  );
});

test('a client may ask for encryption before it starts, and cannot start with nonsense', () => {
  const request = (code: number, body = '') => {
    const packet = Buffer.alloc(8 + body.length);
    packet.writeInt32BE(packet.length);
    packet.writeInt32BE(code, 4);
    packet.write(body, 8);
    return packet;
  };
  const incoming = new Incoming();
  const startup = request(3 << 16, 'user\0ada\0\0');
  incoming.push(Buffer.concat([request(80877103), startup.subarray(0, 9)]));
  expect(incoming.takeOpening()).toEqual({ is: 'encryption' });
  expect(incoming.takeOpening()).toBeUndefined();
  incoming.push(startup.subarray(9));
  expect(incoming.takeOpening()).toEqual({ is: 'startup', packet: startup });
  incoming.push(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  expect(incoming.takeOpening()).toEqual({ is: 'nonsense' });
});
