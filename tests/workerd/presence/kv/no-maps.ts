/** Texts that are no JSON object, each after its name. */
export const NO_MAPS: string[][] = [
  ['no JSON', '{{{'],
  ['an empty text', ''],
  ['a list', '[1,2,3]'],
  ['null', 'null'],
  ['a number', '42'],
];
