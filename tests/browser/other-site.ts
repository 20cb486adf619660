import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';

/** A page: the content of its body, and the module that it loads. */
export interface Page {
  readonly body?: string;
  readonly script: string;
}

/**
 * A site of another origin than the service. Its policy allows only what the client needs. Its pages are static. They may import
 * `/presence.js` of the service, or a bundle of the package.
 */
export class OtherSite {
  /** The origin of the service that its pages may use. */
  service = '';
  /** The paths that browsers have requested. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #pages = new Map<string, string>();

  private constructor() {
    this.#server = createServer(({ url = '' }, response) => {
      const { service } = this;
      this.requests.push(url);
      const socket = service.replace('http', 'ws');
      const policy = `default-src 'none'; script-src 'self' 'inline-speculation-rules' ${service}; connect-src ${service} ${socket}; worker-src blob:`;
      const isScript = url.endsWith('.js');
      response.setHeader('Content-Security-Policy', policy);
      response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
      response.end(this.#pages.get(url) ?? '');
    });
  }

  /** @param service The origin of the service. A test may set it later, if the service needs the origin of the site first. */
  static async start(service = ''): Promise<OtherSite> {
    const site = new OtherSite();
    site.service = service;
    site.#server.listen(0, '127.0.0.1');
    await once(site.#server, 'listening');
    return site;
  }

  get origin(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  /** Adds a page, and returns its address. */
  add(name: string, { body = '', script }: Page): string {
    this.#pages.set(`/${name}.js`, script);
    this.#pages.set(
      `/${name}`,
      `<!doctype html><html lang="en"><head><title>${name}</title></head><body>${body}<script type="module" src="/${name}.js"></script></body></html>`,
    );
    return `${this.origin}/${name}`;
  }

  /** Bundles the module at a path of this project. The bundle imports the client from the service. */
  async bundle(entry: string): Promise<string> {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: 'esm',
      define: { 'process.env.NODE_ENV': '"development"' },
      plugins: [
        {
          name: 'served-client',
          setup: (esbuild) =>
            esbuild.onResolve({ filter: /\/presence\.js$/ }, () => ({
              path: `${this.service}/presence.js`,
              external: true,
            })),
        },
      ],
    });
    return outputFiles[0]?.text ?? '';
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
