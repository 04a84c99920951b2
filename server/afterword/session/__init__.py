"""The state of one connection without socket, clock or model: messages and events in, effects out."""
