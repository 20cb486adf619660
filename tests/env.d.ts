/** What `cloudflare:workers` hands out in tests: the bindings of wrangler.toml and the Worker under test. */
declare namespace Cloudflare {
  interface Env {
    PRESENCE_KV: KVNamespace;
  }
  interface GlobalProps {
    mainModule: typeof import('../src/index');
  }
}
