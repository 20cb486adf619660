import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { LiveClient } from '../../support/live-client';
import { Service } from '../../support/service';
import { sessionId } from '../../support/session-id';

const PEER = join(import.meta.dirname, 'silent-peer.mjs');

it('a peer that is stopped and never closes is counted while it pings, and no more a TTL after its last ping', async () => {
  const service = new Service(1, { SESSION_TTL_SECONDS: '2' });
  onTestFinished(() => service.dispose());
  const url = await service.liveUrl();
  const watcher = await LiveClient.open(url);
  const peer = spawn(process.execPath, [PEER, url, sessionId(1)], { stdio: 'pipe' });
  // Which ends a stopped one, too.
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

  // When it goes on it finds itself closed, and is told why.
  const output: string[] = [];
  peer.stdout.on('data', (data) => output.push(String(data)));
  peer.kill('SIGCONT');
  await once(peer, 'close');
  expect(output.join('')).toContain('closed 1008 The session expired. Send ping regularly.');
  watcher.close();
});
