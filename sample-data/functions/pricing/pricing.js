// pricing: quotes one article for a country and a quantity. wasi:http component in JavaScript.
//
// Request: POST {"sku":"MUG-BLUE","cents":1290,"quantity":12,"country":"DE"}.
// Reply:   {"sku":"MUG-BLUE","quantity":12,"net_cents":13932,"tax_cents":2647,"gross_cents":16579}.
// A request that is not understood gives 400; a country without a tax rate throws, which traps.
// Log lines go to the console, that is to stderr.
//
// The handler is exported, not registered as a `fetch` event: the engine answers that event once for each instance
// only, so that a host could not call a warm instance again.

import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from 'wasi:http/types@0.2.4';

// Per cent; the standard rate of a few countries.
const TAX = new Map([['AT', 20], ['DE', 19], ['FR', 20], ['IT', 22], ['NL', 21]]);

// From so many pieces on, so many per cent off; the highest first.
const DISCOUNTS = [[100, 15], [10, 10], [5, 5]];

const log = (level, message, fields) => console.error(JSON.stringify({ level, message, ...fields }));

function quote({ sku, cents, quantity, country }) {
  const [, percent] = DISCOUNTS.find(([from]) => quantity >= from) ?? [0, 0];
  const full = cents * quantity;
  const net = full - Math.floor((full * percent) / 100);
  const rate = TAX.get(country);
  if (rate === undefined) throw new Error(`no tax rate for ${country}`);
  const tax = Math.floor((net * rate) / 100);
  return { sku, quantity, net_cents: net, tax_cents: tax, gross_cents: net + tax };
}

const isOrder = (order) =>
  typeof order?.sku === 'string' &&
  Number.isSafeInteger(order.cents) && order.cents >= 0 && order.cents <= 10_000_000 &&
  Number.isSafeInteger(order.quantity) && order.quantity >= 1 && order.quantity <= 1000;

function readBody(request) {
  const body = request.consume();
  const stream = body.stream();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) text += decoder.decode(stream.blockingRead(65536n), { stream: true });
  } catch (error) {
    // The only way that the end of a stream is told.
    if (error.payload?.tag !== 'closed') throw error;
  }
  stream[Symbol.dispose]();
  body[Symbol.dispose]();
  return text + decoder.decode();
}

function send(out, status, value) {
  const encoder = new TextEncoder();
  const response = new OutgoingResponse(Fields.fromList([['content-type', encoder.encode('application/json')]]));
  response.setStatusCode(status);
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  const stream = body.write();
  stream.blockingWriteAndFlush(encoder.encode(JSON.stringify(value)));
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const incomingHandler = {
  handle(request, out) {
    const order = parsed(readBody(request));
    if (!isOrder(order)) {
      log('warn', 'quote refused');
      return send(out, 400, { error: 'needs sku, cents and quantity' });
    }
    const result = quote(order);
    log('info', 'quoted', { sku: order.sku, gross_cents: result.gross_cents });
    send(out, 200, result);
  },
};
