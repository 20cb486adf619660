import * as z from 'zod/mini';

/** Returns a schema that refuses keys which the given schema does not have. */
export const strict = <Shape extends z.core.$ZodShape>({ shape }: z.ZodMiniObject<Shape>) =>
  z.strictObject(shape);
