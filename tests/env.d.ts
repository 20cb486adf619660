declare namespace Cloudflare {
  interface Env {
    PRESENCE_KV: KVNamespace;
  }
}
