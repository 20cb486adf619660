/** The words of docs/accuracy.md between its tables. */

export const ABOUT = `Local KV shows every write at once, so no test against it can tell how wrong the count is in production. These figures come from
a simulator, \`tests/simulation/\`: a virtual clock, KV by its documented rules, a crowd, faults, and the production classes
(\`PresenceStore\`, \`KvHub\`, \`RoomHub\`, \`Room\` and what they use) unchanged. An oracle, a plain list of sessions, knows the truth at every answer. It is
a model: no figure here was measured at Cloudflare.`;

export const ASSUMPTIONS = `## Assumptions

- **KV.** A write is seen in its own location at once, and in each other one after a delay of its own, evenly from 0 to 60 s. Reads are
  cached by location for \`cacheTtl\`, lists for 60 s, absent keys too. One write a second per key, then an error. The last write wins.
  ([how KV works](https://developers.cloudflare.com/kv/concepts/how-kv-works/), [limits](https://developers.cloudflare.com/kv/platform/limits/))
- **Not documented, and so assumed:** a read takes 5 to 50 ms, a write or a list 50 to 300 ms, a request 5 to 100 ms; a refused write is not
  billed; going over a daily limit says "limit exceeded for the day".
- **The room.** A call takes 5 to 120 ms each way. One that fails has reached the room in half of the cases. All that it saved is there when it has lost its memory.
- **Requests.** What a request began comes back until its response, and for 30 s after it while a deferred task runs; later, never
  ([\`waitUntil\`](https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil)). Where a row says so, some requests end with their response, as at a CPU or memory limit.
- **People.** They beat every 10 s ± 10 %, stay 30 minutes on average (exponential), 70 % say when they go, and one heartbeat in a hundred brings another
  mood. Locations differ in size like 1, 1/2, 1/3, … Nine requests of ten reach the isolate that served the last one.
- **Errors** are measured after four minutes, when the first crowd has been seen by all, at every answer to a heartbeat or a
  \`GET\`. Shorter stays give larger errors (see Harder worlds).

## What is promised at any time

The invariants that are checked at every answer (\`tools/simulator/bounds.ts\`, \`invariants.ts\`), at the defaults, on KV:

| | |
|---|---|
| one isolate | exact, whatever KV does |
| the caller | is counted in his own answer |
| a session without heartbeats | expires in its own isolate after 30 s. Elsewhere in the location it counts for 70 s after its last heartbeat. If its isolate was alone in the world and has vanished since, it counts for at most 150 s. An isolate that still runs writes the end at its next sync, for ten ends in a row and one in 15 minutes. Another location counts a session for at most 220 s more (300 s) |
| a changed mood | shows elsewhere in the location as the new one at the writer's next write: at most 100 s later if the writer was alone in the world |
| nobody comes or goes, nothing fails | all answers are right, except for sessions whose requests alternate between isolates. The isolate that a session left lets it expire after 30 s, and may learn only seconds later that it is present. With more than two isolates in a location, or a slow KV, a refresh may need a second try. One or two sessions may then be missing for a moment |
| KV away | no request fails; afterwards all isolates of a location agree within two sync intervals |

And with the room, in all locations alike:

| | |
|---|---|
| a session without heartbeats | expires in its own isolate after 30 s, elsewhere two seconds later. While the room cannot be reached, its last answer counts for 30 s |
| a request that dies with a sync | delays the next sync of its isolate by 5 s (on KV by 20 s) |
| nothing fails | who has been here for five seconds is counted everywhere, whatever isolate serves him: nobody goes missing for a moment. Clocks that differ by a second may put what one person sends at once to two isolates in the wrong order, until his next heartbeat, and end a silent session that much early |
| the room away, or without its memory | no request fails, each isolate counts its own; what it had not saved it hears again from its replicas at their next sync |

Not promised on KV: that lists are cached for no longer than a minute (with 120 s a location may drop out for a while), nor that a location
sees its own writes (with 20 % unseen, peers may be missing for seconds). The tables above show both.`;

export const CHANGES = `## What the simulator changed

The first design wrote at every sync, every 10 s ± 25 %. In this same world that policy had these faults, and each line here is
what became of it.

| found | mended by |
|---|---|
| A listing that failed was not repeated for a minute, and a fresh isolate showed its own location only: mean error 4.6 % with 0.1 % evictions and 5 % failures. | A failed listing is repeated at the next sync. |
| A lease of 150 s dropped locations that were alive: a list may be a minute old when it comes, and is used for another. 100 people in 10 locations: up to 79 missing for minutes. | 220 s: also one lost heartbeat drops no location. |
| The platform ends deferred work 30 s after the response. A deferred task began syncs until then; they never settled, and each blocked the next one for 30 s. 2,000 people on 8 isolates with the room: mean error 0.50 %, p99 10.1 %, 1,735 missing at worst. | Deferred syncs start 25 s after the request at the latest. The store gives up a sync after two intervals, at least 5 s: 0.05 %, 0.20 %, 10 missing. |
| With the room and a sync at each third of the TTL, sessions that moved to another isolate went missing, although nothing failed. | Just below a quarter of the TTL at most. |
| A second isolate wrote the key of one that rested, without its promise: 10 of 12 people were missing for 20 s. | Each stored session says whether its writer rests. |
| A session ended while its writer rested: readers counted it for 140 s and wrote it back at every sync. | The writer takes it back at once, and a replica that only reads writes no session back. |
| The backoff after failures grew to 5 minutes, so five minutes of outage were followed by up to four more. | It grows to one sync interval. |
| Most writes told nothing that was new. | A replica writes at a sync if somebody came, went or changed the mood, at once in a crowd of up to 200 and from 0.5 % of all people on in a larger one; otherwise every second interval. Grace is 40 s for that. |
| When the last people of a location fell silent, nobody told the others. | Who reads that the stored value counts somebody who is gone writes it anew. |
| On the free plan one isolate was over its 1,000 writes in 2.8 hours. | An isolate that is alone in the world, with up to 20 people, says so in what it writes, and rests: one write and one list in 100 s, and early writes for ended sessions, at most 970 writes a day. |
| It went on asking when the daily limit was reached. | It stops until midnight UTC, and asks once an hour. |
| A list may come from KV's cache, filled by another isolate, and was then used for another minute. | The newest summary in a list tells how old it is; the next one is asked for when the cache has run out. |
| A gathering was seen late, since lists come once a minute. | Every 15 s while the count changes by more than 2 % between two lists: so the next one that does not come from the cache is not missed. |

With the room, the first design answered a sync with a total per mood. A total does not tell whether somebody whose heartbeat comes to another isolate next is in it
already, so he counts twice there until the next sync. Measured in this world before it was changed (\`--hub durable-object\`, seed 1): 5 people on 3 isolates with
\`--stick 0.33\`: mean error 5.1 %, p99 33 %; 1,000 in 10: 0.13 %. The room now tells who came, went or changed the mood: 0.05 % and 0.07 %.
Other faults that the simulator found there: a session that somebody had left for another isolate expired here and went missing (a replica asks for those who
expire); what came just after a sync waited for the next request, for ever if none came (the next sync is planned); a \`gone\` of somebody who had once expired here
was taken for old news.

Writing at every sync, 100 people in 10 locations cost $34 a month for KV, 1,000 in 10 cost $46 and 100 in one $4.70, with mean errors of 1.9 %,
0.5 % and 0.5 %: the policy above gives up 0.1 to 0.3 points of accuracy for 30 to 45 % of the bill.

Tried and not taken: tombstones for sessions that expire (less bias, but people who had only gone to another isolate went missing everywhere); a leave that hurries
the sync when it is the last one (no measurable gain); lists every 45 or 50 s (no gain: they come from the cache); no jitter of the
interval (fewer collisions with up to 8 isolates, more with 16, no difference that an invariant could see; it stays as designed).`;

export const BUGS = `## Can it fail?

\`tools/faults/planted-bugs.ts\` puts mistakes into the production modules, one at a time, as they are loaded;
[planted-bugs.md](planted-bugs.md) shows in how many of 100 seeds each one is caught.

| command | does |
|---|---|
| \`npm run simulate -- --people 300 --locations 5 --hub kv,shared-key\` | one world, hubs side by side; \`--help\` lists the options, \`--json\` prints all |
| \`npm test\` | 100 mixed worlds for each hub, ten simulated minutes each and then calm and then nobody; all planted bugs |
| \`npm run simulate:deep -- --hub durable-object\` | 1,000 mixed worlds of an hour; without the option, on KV |
| \`npm run simulate:bugs\` | the table of planted bugs |
| \`npm run figures\` | this page and its pictures |

A failure prints the command that replays it.`;
