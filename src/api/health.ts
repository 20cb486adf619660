import { TROUBLES } from '../presence/trouble';
import type { Health } from './answer-schemas';
import type { Service } from './routes';

/** Returns the health of the isolate that answers, with the worst trouble as its reason. Costs no I/O. */
export function healthOf({ store, newSessions, settings, hasManyReplicas }: Service): Health {
  const { hub, lastSyncAgeMs, trouble } = store.health();
  const found = [trouble, newSessions.trouble, hasManyReplicas() ? 'many-replicas' : undefined];
  const worst = TROUBLES.find((one) => found.includes(one));
  const lowered = settings.lowered.length > 0 ? 'setting-lowered' : null;
  return { status: worst === undefined ? 'ok' : 'degraded', reason: worst ?? lowered, hub, lastSyncAgeMs };
}
