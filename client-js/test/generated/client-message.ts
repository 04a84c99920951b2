/**
 * Generated from the message types; PROTOCOL.md is the specification. Fields not named here are allowed and ignored. JSON Schema counts the length of a string in code points and takes 1.0 for an integer; the protocol counts UTF-16 code units and does not. So every message that is right passes, and a few that are wrong pass too.
 */
export type AMessageFromAnAfterwordClient = (Hello | Open | Edit | Suggest | Extend | Accept | Cancel | Dismiss | Close | Ping)

/**
 * First message of a connection, within the deadline; answered by `welcome`.
 */
export interface Hello {
/**
 * Says which message this is.
 */
type: "hello"
/**
 * The secret that lets the client in, where the server asks for one. At most 4096 UTF-16 code units.
 */
token?: (string | null)
/**
 * Who is calling, for the server's log.
 */
client?: ({
/**
 * Name of the client program. At most 128 UTF-16 code units.
 */
name: string
/**
 * Version of the client program. At most 64 UTF-16 code units.
 */
version?: (string | null)
} | null)
/**
 * How much of a suggestion travels at a time, for the whole connection.
 */
delivery?: ("token" | "word" | "final" | null)
}
/**
 * Gives, or replaces, the text around the caret of a document.
 */
export interface Open {
/**
 * Says which message this is.
 */
type: "open"
/**
 * The document. At most 64 UTF-16 code units.
 */
doc: string
/**
 * Number of this state of the text; higher than the document's last.
 */
rev: number
/**
 * Text before the caret.
 */
before: string
/**
 * Text after the caret.
 */
after: string
/**
 * Language of the text as a BCP 47 tag, such as `de` or `pt-BR`; decides where sentences and words end. Absent: judged from the text. At most 64 UTF-16 code units.
 */
language?: (string | null)
/**
 * What kind of place the caret is in, such as `paragraph` or `list`. In a `heading` or `title` no suggestion goes beyond the line. At most 64 UTF-16 code units.
 */
block?: (string | null)
/**
 * Text that the model is to see ahead of the document: a title, a glossary, a sample of style. It never appears in a suggestion's offsets.
 */
preface?: (string | null)
}
/**
 * A splice at the caret.
 */
export interface Edit {
/**
 * Says which message this is.
 */
type: "edit"
/**
 * The document. At most 64 UTF-16 code units.
 */
doc: string
/**
 * Number of the resulting state of the text; higher than the document's last.
 */
rev: number
/**
 * How many units to remove before the caret.
 */
delete?: (number | null)
/**
 * What to put before the caret.
 */
insert?: (string | null)
/**
 * How many units to remove after the caret.
 */
delete_after?: (number | null)
/**
 * What to put after the caret.
 */
insert_after?: (string | null)
/**
 * Length in units that the text before the caret has afterwards; lets the server notice that the two sides differ.
 */
length?: (number | null)
}
/**
 * Asks for ghost text at the caret.
 */
export interface Suggest {
/**
 * Says which message this is.
 */
type: "suggest"
/**
 * The document. At most 64 UTF-16 code units.
 */
doc: string
/**
 * Number of the new suggestion; higher than the document's last.
 */
id: number
/**
 * The state of the text that the suggestion is for: that of the last `open`, `edit` or `accept`.
 */
rev: number
/**
 * How many different texts to write; at most `limits.alternatives`.
 */
alternatives?: (number | null)
/**
 * The most tokens of the model to write, counted from the caret; at most `limits.max_tokens`.
 */
max_tokens?: (number | null)
/**
 * The boundary at which the suggestion ends.
 */
stop?: ("word" | "phrase" | "sentence" | "paragraph" | "none" | null)
/**
 * Time after which the suggestion ends with what there is. Absent: no such end.
 */
max_time_ms?: (number | null)
/**
 * How sure the model must be of a word for it to be shown.
 */
quiet?: (number | null)
/**
 * How freely to choose among likely tokens. With 0 the likeliest is taken, and the same text gives the same suggestion.
 */
temperature?: (number | null)
/**
 * Makes choices above temperature 0 repeatable. Absent: they are not.
 */
seed?: (number | null)
}
/**
 * Goes on from where a suggestion ended.
 */
export interface Extend {
/**
 * Says which message this is.
 */
type: "extend"
/**
 * The document. At most 64 UTF-16 code units.
 */
doc: string
/**
 * The document's newest suggestion.
 */
id: number
/**
 * The most tokens to add; at most `limits.max_tokens`.
 */
max_tokens?: (number | null)
/**
 * The boundary at which the added text ends.
 */
stop?: ("word" | "phrase" | "sentence" | "paragraph" | "none" | null)
}
/**
 * The writer took the first `length` units of what is untyped of a suggestion.
 */
export interface Accept {
/**
 * Says which message this is.
 */
type: "accept"
/**
 * The document. At most 64 UTF-16 code units.
 */
doc: string
/**
 * The document's newest suggestion, live or done.
 */
id: number
/**
 * Number of the resulting state of the text; higher than the document's last.
 */
rev: number
/**
 * How many units were taken, counted from the caret.
 */
length: number
/**
 * Which alternative they were taken from.
 */
alternative?: (number | null)
}
/**
 * Stops computing a suggestion.
 */
export interface Cancel {
/**
 * Says which message this is.
 */
type: "cancel"
/**
 * The document. At most 64 UTF-16 code units.
 */
doc: string
/**
 * The suggestion.
 */
id: number
}
/**
 * The writer waved a suggestion away.
 */
export interface Dismiss {
/**
 * Says which message this is.
 */
type: "dismiss"
/**
 * The document. At most 64 UTF-16 code units.
 */
doc: string
/**
 * The suggestion.
 */
id: number
/**
 * Why, in a word of the client's choice, such as `escape` or `blur`. At most 64 UTF-16 code units.
 */
reason?: (string | null)
}
/**
 * Forgets a document and frees its cache.
 */
export interface Close {
/**
 * Says which message this is.
 */
type: "close"
/**
 * The document. At most 64 UTF-16 code units.
 */
doc: string
}
/**
 * Answered by `pong` with the same `t`, which may be any JSON value of at most 256 bytes.
 */
export interface Ping {
/**
 * Says which message this is.
 */
type: "ping"
/**
 * Anything, at most 256 bytes as JSON; comes back unchanged.
 */
t: (string | number | boolean | {

} | unknown[])
}
