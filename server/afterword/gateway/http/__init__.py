"""Plain HTTP beside the WebSocket: answers, the page, health, and who may read the metrics."""
