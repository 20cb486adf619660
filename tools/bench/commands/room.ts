import { givenOptions } from '../../options';
import { roomCost } from '../room-cost';

// What a sync costs the room: by what has changed, and by how many people there are: `npm run bench -- room`.

const CROWDS = [1_000, 10_000, 100_000];

const given = givenOptions(
  'What a sync costs the room, by the changes and by the people.',
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
    'ms, everybody to a fresh replica': Number(everythingMs.toFixed(1)),
  };
});
if (given['json'] === true) console.log(JSON.stringify(rows, null, 2));
else console.table(rows);
