// The code of a React component that the types of the package must accept.
import type {} from 'breathe-together-presence-client/react';

export const watching = (
  <presence-count url="https://presence.example" channel="post-7" mood={null} robots="count">
    …
  </presence-count>
);
// @ts-expect-error There is no such mood.
export const wrong = <presence-count mood="happy" />;
