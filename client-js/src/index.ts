/** The client of an Afterword server, without any editor. Bindings are in entries of their own. */

export { Afterword, GhostDocument } from './core/afterword.js';
export type { AfterwordOptions, GhostHandlers, GhostStatus } from './core/afterword.js';
export type { Clock } from './core/clock.js';
export { Connection } from './core/connection.js';
export type { ConnectionListener, ConnectionState } from './core/connection.js';
export {
  GhostController,
  /** @deprecated Use `GhostController`. This name will be removed in the version after next. */
  GhostController as GhostText,
} from './core/ghost-controller.js';
export type { Answer } from './core/ghost-controller.js';
export type { ConnectionOptions, Socket, SocketConstructor } from './core/link.js';
export type { Counts } from './core/metrics.js';
export { partLength } from './core/parts.js';
export type { Part } from './core/parts.js';
export * from './core/protocol.js';
export type { Change, Command, Effect, Ghost, Silence, Update } from './core/events.js';
export { DEFAULTS } from './core/options.js';
export type { AskOptions, GhostOptions } from './core/options.js';
