import { env } from 'cloudflare:workers';
import { KvHub } from '../../../src/presence/kv/kv-hub';
import { kvTiming } from '../../../src/presence/timing';
import { emptyStorage } from '../../support/empty-storage';
import { TroubledKv } from '../../support/troubled-kv';
import { hubContract } from './hub-contract';

for (const [name, times] of [
  ['KV, TTL 30 s', kvTiming(30_000, 10_000)],
  ['KV, TTL 180 s', kvTiming(180_000, 10_000)],
] as const) {
  hubContract(name, async (runtime) => {
    await emptyStorage();
    const kv = new TroubledKv(env.PRESENCE_KV);
    return {
      timing: times,
      orphanMs: times.remoteTtlMs,
      join: () => {
        const hub = new KvHub({ kv: kv.store, timing: times, runtime, report: () => undefined });
        hub.locate('ams');
        return hub;
      },
      breakDown: () => {
        kv.all = 'throws';
      },
      heal: () => {
        kv.all = undefined;
      },
    };
  });
}
