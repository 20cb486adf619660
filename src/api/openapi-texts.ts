import {
  BODY_BYTES_MAX,
  LIVE_MESSAGE_BYTES_MAX,
  LIVE_MESSAGES_MAX,
  LIVE_MESSAGES_WINDOW_MS,
  LIVE_SESSION_SOCKETS_MAX,
} from '../limits';
import { DEFAULT_MOOD, MOODS } from '../moods';

// The long texts of the OpenAPI document, in Markdown.

export const BODY = `The body is JSON of at most ${BODY_BYTES_MAX} bytes, without a content encoding. Its type is \`application/json\`, any \`…+json\` or \`text/plain\`, or is missing. Unknown keys are ignored.`;

export const INFO = `Counts how many people are present right now, and in which mood.

A browser creates a UUID, sends \`POST /api/heartbeat\` every 10 seconds, and shows the \`count\` of the answer. A session expires 30 seconds after its last heartbeat. A service may set other times. Every answer names the seconds between two heartbeats in the header \`Presence-Interval\`. There are no accounts. The count is an unauthenticated estimate, and may be seconds to minutes late.

A service with channels counts the sessions of each channel separately. Each channel has the operations below \`/api/channels/{channel}\`. A session counts once in each channel to which it sends heartbeats. The paths without a name belong to the default channel, which is not a sum. No answer lists names.

Every error of the API is a problem document, \`application/problem+json\` by RFC 9457. Its \`type\` identifies the error. An unknown path gets \`/docs#not-found\`. No answer repeats the request in its body, except the label of a badge. Pages of any origin may use the API, unless the service lists the allowed origins. Other origins then get \`/docs#origin-not-allowed\`. Every operation answers preflights.

The base of every path is the origin that serves this document, without a trailing slash: \`https://presence.example\` and \`/api/heartbeat\`. The document names no server, because it is built before the service has an address.

Answers and problems may get new keys. Ignore unknown keys.

This document and its page, \`/docs\`, are static files beside the API.`;

export const LIVE = `A WebSocket. Only a service with the Durable Object hub has it. Every answer of such a service has the header \`Presence-Live: 1\`. The session id is sent in a message, because logs keep addresses.

The service sends the presence state as JSON, as in \`GET /api/presence\`. It sends one at the opening, and one after a change, at most once a second.

| You send | Effect |
|---|---|
| nothing | The socket watches: it receives states and does not count |
| \`{"sessionId": "<uuid>", "mood": "${MOODS.at(2) ?? DEFAULT_MOOD}"}\` | The socket joins. Its session counts once, also if HTTP heartbeats have the same id |
| \`{"mood": "${MOODS[0]}"}\` | The session of a joined socket changes its mood |
| \`ping\` | The service sends \`pong\`. A joined socket must send one every 10 seconds, or at the interval in the header \`Presence-Interval\` |
| a close | The session leaves, unless another socket or a later heartbeat keeps it present |
| a close with the code 4000 | Another tab continues the session. The last message or \`ping\` counts like a heartbeat: the session expires 30 seconds later, unless another tab refreshes it |

Join after every opening: a socket does not continue an earlier one. A joined socket keeps its id. Send \`ping\` as a text message; protocol pings don't count. A watching socket sends it too, because proxies close a connection after about 100 seconds without traffic.

| Close code | Cause | What to do |
|---|---|---|
| 1008 | The close reason says which: a wrong message, another id than before, no \`ping\` for 30 seconds (unless the service sets another time), more than ${LIVE_MESSAGES_MAX} messages besides \`ping\` in ${LIVE_MESSAGES_WINDOW_MS / 1000} seconds, or more than ${LIVE_SESSION_SOCKETS_MAX} sockets of one session | Fix the cause before you connect again |
| 1009 | A message of more than ${LIVE_MESSAGE_BYTES_MAX} bytes | The same |
| 1013 | The room is full. The session does not count | Connect again after a pause |`;
