import { givenOptions } from '../../options';
import { roomCost } from '../room-cost';

// Measures what a sync costs the room, by the number of changes and of people: `npm run bench -- room`.

const CROWDS = [1_000, 10_000, 100_000];

const given = givenOptions(
  'Measures what a sync costs the room, by the number of changes and of people.',
  {},
  { json: 'Prints all figures, for programs.' },
);

const rows = CROWDS.map((crowd) => {
  const { people, bytesPerPerson, calls, everythingMs } = roomCost(crowd);
  return {
    people,
    'bytes a person': Math.round(bytesPerPerson),
    ...Object.fromEntries(
      calls.map(({ changes, microseconds }) => [`µs, ${changes} changes`, Math.round(microseconds)]),
    ),
    'ms, all sessions to a fresh replica': Number(everythingMs.toFixed(1)),
  };
});
if (given['json'] === true) console.log(JSON.stringify(rows, null, 2));
else console.table(rows);
