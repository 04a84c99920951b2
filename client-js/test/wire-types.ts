/** The types of `src/protocol.ts` against those that the protocol's JSON Schemas imply. Checked by the compiler alone. */

import type * as ours from '../src/core/protocol.js';
import type * as client from './generated/client-message.js';
import type * as server from './generated/server-message.js';

type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
/** The schemas allow null for fields that this client leaves out instead. */
type Sent<Ours, Schema> = Ours extends Schema ? Equal<keyof Ours, keyof Schema> : false;

type All = [
  Sent<ours.Hello, client.Hello>,
  Sent<ours.Open, client.Open>,
  Sent<ours.Edit, client.Edit>,
  Sent<ours.Suggest, client.Suggest>,
  Sent<ours.Extend, client.Extend>,
  Sent<ours.Accept, client.Accept>,
  Sent<ours.Cancel, client.Cancel>,
  Sent<ours.Dismiss, client.Dismiss>,
  Sent<ours.Close, client.Close>,
  Equal<ours.Ping['type'], client.Ping['type']>,
  Equal<ours.ClientMessage['type'], client.AMessageFromAnAfterwordClient['type']>,
  Equal<ours.Welcome, server.Welcome>,
  Equal<ours.Token, server.Token>,
  Equal<ours.Done, server.Done2>,
  Equal<ours.ErrorMessage, server.Error>,
  Equal<ours.Notice, server.Notice>,
  Equal<ours.Pong['type'], server.Pong['type']>,
  Equal<ours.ServerMessage['type'], server.AMessageFromAnAfterwordServer['type']>,
];

export const all: All = [
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
];
