/** The client of an Afterword server, without any editor. Bindings are in entries of their own. */

export { Afterword, GhostDocument } from './afterword.js';
export type { AfterwordOptions, GhostHandlers, GhostStatus } from './afterword.js';
export { Connection } from './connection.js';
export type {
  Clock,
  ConnectionListener,
  ConnectionOptions,
  ConnectionState,
  Socket,
  SocketConstructor,
} from './connection.js';
export { GhostText } from './ghost.js';
export type { Answer } from './ghost.js';
export type { Counts } from './metrics.js';
export { partLength } from './parts.js';
export type { Part } from './parts.js';
export * from './protocol.js';
export { DEFAULTS } from './vocabulary.js';
export type { AskOptions, Change, Command, Effect, Ghost, GhostOptions, Silence, Update } from './vocabulary.js';
