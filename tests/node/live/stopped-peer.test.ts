import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { LiveClient } from '../../support/live-client';
import { Service } from '../../support/service';
import { sessionId } from '../../support/session-id';

const PEER = join(import.meta.dirname, 'stopped-peer.mjs');

it('a client counts while it pings, and a client that stops without a close expires a TTL later', async () => {
  const service = new Service(1, { SESSION_TTL_SECONDS: '2' });
  onTestFinished(() => service.dispose());
  const url = await service.liveUrl();
  const watcher = await LiveClient.open(url);
  const peer = spawn(process.execPath, [PEER, url, sessionId(1)], { stdio: 'pipe' });
  // SIGKILL ends a stopped process too.
  onTestFinished(() => void peer.kill('SIGKILL'));
  await watcher.shows(1);
  await wait(4_000);
  expect(watcher.states.at(-1)?.count).toBe(1);

  peer.kill('SIGSTOP');
  const stoppedAt = Date.now();
  await watcher.shows(0);
  const took = Date.now() - stoppedAt;
  expect(took).toBeGreaterThan(1_500);
  expect(took).toBeLessThan(8_000);

  // The client continues, and receives the close with its reason.
  const output: string[] = [];
  peer.stdout.on('data', (data) => output.push(String(data)));
  peer.kill('SIGCONT');
  await once(peer, 'close');
  expect(output.join('')).toContain('closed 1008 The session expired. Send ping regularly.');
  watcher.close();
});
