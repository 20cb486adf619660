/** The exports of `cloudflare:workers` in tests: the bindings of wrangler.toml and the Worker under test. */
declare namespace Cloudflare {
  interface Env {
    PRESENCE_KV: KVNamespace;
    NEW_SESSIONS: RateLimit;
    PRESENCE_ROOM: DurableObjectNamespace<import('../../src/index').PresenceRoom>;
  }
  interface GlobalProps {
    mainModule: typeof import('../../src/index');
  }
}
