import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { bundleAsDeployed } from './bundle';

/** The commit of version 1.0. */
export const VERSION_1_0 = 'cb1dd9555298fde6cc14fb24b2a5cd24fc9fd2d4';

/** Bundles the Worker of a commit as a deploy does, with the installed packages. Returns the path of the bundle. */
export function buildWorkerAt(commit: string): string {
  const outdir = `${FOLDER}/${commit}/worker`;
  bundleAsDeployed(`${sourcesAt(commit)}/index.ts`, outdir);
  return `${outdir}/index.js`;
}

/**
 * Extracts `src` of a commit from the git history, and returns its folder. The folder is below this project, so that imports of
 * packages find `node_modules`.
 *
 * @throws {Error} if the clone does not have the commit.
 */
export function sourcesAt(commit: string): string {
  const folder = `${FOLDER}/${commit}`;
  if (!existsSync(folder)) extract(commit, folder);
  return `${folder}/src`;
}

const FOLDER = 'dist/at';

/** Extracts into another folder and renames it. Otherwise a run at the same time finds half of the files. */
function extract(commit: string, folder: string): void {
  const archive = archiveOf(commit);
  mkdirSync(FOLDER, { recursive: true });
  const unfinished = mkdtempSync(`${FOLDER}/unfinished-`);
  execFileSync('tar', ['-x', '-C', unfinished], { input: archive });
  if (existsSync(folder)) rmSync(unfinished, { recursive: true });
  else renameSync(unfinished, folder);
}

function archiveOf(commit: string): Buffer {
  try {
    return execFileSync('git', ['archive', commit, 'src'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: ARCHIVE_BYTES_MAX,
    });
  } catch {
    const message = `This clone has no commit ${commit.slice(0, 7)}. Run "git fetch --unshallow" to get the whole history.`;
    // The stack is the message: the line in this file does not help the caller.
    throw Object.assign(new Error(message), { stack: message });
  }
}

const ARCHIVE_BYTES_MAX = 50_000_000;
