import * as z from 'zod/mini';

/** The same object, which refuses keys that the schema does not name. */
export const strict = <Shape extends z.core.$ZodShape>({ shape }: z.ZodMiniObject<Shape>) =>
  z.strictObject(shape);
