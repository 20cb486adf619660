import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BUILT } from './built';
import type { RecipeApp } from './recipe-apps';
import { type Printed, runTool } from './run-tool';
import type { Site } from './site';

/** A built copy of an app with its recipe. */
export class BuiltApp {
  readonly #app: RecipeApp;
  readonly #folder: string;
  /** The output of the build. */
  readonly printed: Printed;
  readonly site: Site;

  private constructor(app: RecipeApp, folder: string, printed: Printed, site: Site) {
    this.#app = app;
    this.#folder = folder;
    this.printed = printed;
    this.site = site;
  }

  /** Copies the app, builds it and serves it. */
  static async start(app: RecipeApp, recipe: string): Promise<BuiltApp> {
    const folder = join(BUILT, app.name);
    // Otherwise a framework uses its cache of an earlier package.
    await rm(folder, { recursive: true, force: true });
    if (app.template !== undefined)
      await cp(join(import.meta.dirname, 'apps', app.template), folder, { recursive: true });
    const file = join(folder, app.file);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${recipe}\n`);
    const printed = app.build ? await runTool(folder, app.build, app.mode) : { stdout: '', stderr: '' };
    return new BuiltApp(app, folder, printed, await app.serve(folder));
  }

  /** Rejects with the errors of the type checker of the framework. */
  async checkTypes(): Promise<void> {
    if (this.#app.typeCheck) await runTool(this.#folder, this.#app.typeCheck);
  }
}
