/**
 * The wire protocol: types of all messages, names, close codes, and reading and writing of frames.
 *
 * Nothing here acts on messages. Every length and offset counts UTF-16 code units, as JavaScript strings do.
 */

export const PROTOCOL_VERSION = 1;
export const SUBPROTOCOL = 'afterword.v1';

export type Delivery = 'token' | 'word' | 'final';
export type Stop = 'word' | 'phrase' | 'sentence' | 'paragraph' | 'none';

/** Why a suggestion is done. */
export type Reason =
  | 'end'
  | 'stop'
  | 'length'
  | 'time'
  | 'suffix'
  | 'quiet'
  | 'repetition'
  | 'cancelled'
  | 'superseded'
  | 'diverged'
  | 'stale'
  | 'busy'
  | 'error';

export type ErrorCode =
  | 'bad_message'
  | 'unknown_type'
  | 'unknown_doc'
  | 'unknown_suggestion'
  | 'resync'
  | 'stale_rev'
  | 'too_many_docs'
  | 'context_too_long'
  | 'busy'
  | 'unsupported'
  | 'internal';

export interface Peer {
  name: string;
  version?: string;
}

// --- client to server

export interface Hello {
  type: 'hello';
  token?: string;
  client?: Peer;
  delivery?: Delivery;
}

export interface Open {
  type: 'open';
  doc: string;
  rev: number;
  before: string;
  after: string;
  language?: string;
  block?: string;
  preface?: string;
}

export interface Edit {
  type: 'edit';
  doc: string;
  rev: number;
  delete?: number;
  insert?: string;
  delete_after?: number;
  insert_after?: string;
  length?: number;
}

export interface Suggest {
  type: 'suggest';
  doc: string;
  id: number;
  rev: number;
  alternatives?: number;
  max_tokens?: number;
  stop?: Stop;
  max_time_ms?: number;
  quiet?: number;
  temperature?: number;
  seed?: number;
}

export interface Extend {
  type: 'extend';
  doc: string;
  id: number;
  max_tokens?: number;
  stop?: Stop;
}

export interface Accept {
  type: 'accept';
  doc: string;
  id: number;
  rev: number;
  length: number;
  alternative?: number;
}

export interface Cancel {
  type: 'cancel';
  doc: string;
  id: number;
}

export interface Dismiss {
  type: 'dismiss';
  doc: string;
  id: number;
  reason?: string;
}

export interface Close {
  type: 'close';
  doc: string;
}

export interface Ping {
  type: 'ping';
  t: unknown;
}

/** What a client sends about one document. */
export type DocumentMessage = Open | Edit | Suggest | Extend | Accept | Cancel | Dismiss | Close;
export type ClientMessage = Hello | DocumentMessage | Ping;

// --- server to client

export interface Limits {
  docs: number;
  message_bytes: number;
  context: number;
  max_tokens: number;
  alternatives: number;
}

export interface Welcome {
  type: 'welcome';
  protocol: number;
  session: string;
  server: Required<Peer>;
  model: string;
  offsets: string;
  limits: Limits;
  heartbeat_ms: number;
  features: string[];
  advice: { debounce_ms: number };
}

export interface Token {
  type: 'token';
  doc: string;
  id: number;
  pos: number;
  text: string;
  alternative?: number;
  logprob?: number;
}

/** Offsets into a suggestion's text at which a word, phrase or sentence ends; ascending. */
export interface Boundaries {
  words: number[];
  phrases: number[];
  sentences: number[];
}

/** Tokens of the model: of the context, how many of these were cached and how many computed, and generated tokens. */
export interface Usage {
  context: number;
  reused: number;
  computed: number;
  generated: number;
}

export interface Timing {
  queue_ms: number;
  first_token_ms?: number;
  total_ms: number;
}

export interface Alternative {
  text: string;
  reason: Reason;
  boundaries: Boundaries;
}

export interface Done {
  type: 'done';
  doc: string;
  id: number;
  reason: Reason;
  text?: string;
  boundaries?: Boundaries;
  alternatives?: Alternative[];
  usage: Usage;
  timing: Timing;
}

export interface ErrorMessage {
  type: 'error';
  code: ErrorCode;
  message: string;
  doc?: string;
  id?: number;
  field?: string;
  retry_after_ms?: number;
}

export interface Notice {
  type: 'notice';
  /** `engine_lost`: no suggestions until `engine_restarted`. `draining`: the server closes after `grace_ms`. */
  kind: 'draining' | 'engine_lost' | 'engine_restarted';
  grace_ms?: number;
}

export interface Pong {
  type: 'pong';
  t: unknown;
}

export type ServerMessage = Welcome | Token | Done | ErrorMessage | Notice | Pong;

// --- closing

// Close codes of the protocol.
export const CLOSE_GOING_AWAY = 1001;
/** Never sent; the connection broke. */
export const CLOSE_ABNORMAL = 1006;
export const CLOSE_TOO_BIG = 1009;
export const CLOSE_MALFORMED = 4400;
export const CLOSE_UNAUTHORIZED = 4401;
export const CLOSE_SUBPROTOCOL = 4406;
export const CLOSE_HELLO_TIMEOUT = 4408;
export const CLOSE_SECOND_HELLO = 4409;
export const CLOSE_TOO_FAST = 4429;
export const CLOSE_INTERNAL = 4500;

/** Codes after which a retry would be refused again until somebody changes something. */
const FINAL_CODES = [CLOSE_MALFORMED, CLOSE_UNAUTHORIZED, CLOSE_SUBPROTOCOL, CLOSE_SECOND_HELLO];

/** Whether to reconnect after a close with `code`. */
export const mayReconnect = (code: number): boolean => !FINAL_CODES.includes(code);

// --- frames

/** The fields that the client needs, by type of message. Other fields are optional. */
const REQUIRED_FIELDS: Record<string, Record<string, 'string' | 'number' | 'object'>> = {
  welcome: { limits: 'object', advice: 'object', heartbeat_ms: 'number' },
  token: { doc: 'string', id: 'number', pos: 'number', text: 'string' },
  done: { doc: 'string', id: 'number', reason: 'string', usage: 'object' },
  error: { code: 'string' },
  notice: {},
  pong: {},
};

/**
 * Parses one frame from a server. Returns null for anything but a complete message of a known type; a newer server may
 * send types that this client does not know, which are ignored.
 */
export function parse(frame: unknown): ServerMessage | null {
  if (typeof frame !== 'string') return null;
  let message: unknown;
  try {
    message = JSON.parse(frame);
  } catch {
    return null;
  }
  if (typeof message !== 'object' || message === null) return null;
  const fields = message as Record<string, unknown> & { type: unknown };
  const { type } = fields;
  const kinds = typeof type === 'string' && Object.hasOwn(REQUIRED_FIELDS, type) && REQUIRED_FIELDS[type];
  if (!kinds) return null;
  for (const name in kinds) if (typeof fields[name] !== kinds[name] || fields[name] === null) return null;
  return message as ServerMessage;
}

/** Serializes one message as a frame. */
export const stringify = (message: ClientMessage): string => JSON.stringify(message);
