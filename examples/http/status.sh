#!/bin/sh
# Asks a server how it is: ./status.sh [http://127.0.0.1:8765]
# A server with tokens shows its metrics only to those who have one: set AFTERWORD_TOKEN, or AFTERWORD_METRICS_TOKEN.
set -eu
url=${1:-http://127.0.0.1:8765}
token=${AFTERWORD_METRICS_TOKEN:-${AFTERWORD_TOKEN:-}}

# 200 when the model is loaded and answers, 503 otherwise.
printf 'health: '
curl --silent --show-error --fail "$url/healthz"
# 200 when the server also takes new connections.
printf '\nready:  '
curl --silent --show-error --fail "$url/readyz"
printf '\n\n'
curl --silent --show-error --fail ${token:+--header "Authorization: Bearer $token"} "$url/metrics" |
    grep --extended-regexp '^afterword_(connections|documents|live_suggestions|suggestions_total)'
