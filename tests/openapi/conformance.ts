import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { oas31 } from 'zod-openapi';
import { resolve } from '../../src/site/resolve';
import type { Observation } from './observations';

type Response = oas31.ResponseObject;

const PROBLEM = 'application/problem+json';

/** What test Workers add. */
const FOR_TESTS = /^\/test\//;

/** What paths that are not documented may answer: names of components. */
const ON_ANY_PATH: Readonly<Record<number, string>> = {
  403: 'OriginNotAllowed',
  404: 'NotFound',
  500: 'InternalError',
};

/**
 * Compares answers with an OpenAPI document: each that comes must be documented, and each that is documented should come.
 *
 * What other methods of a path get is documented at the one that it has.
 */
export class Conformance {
  readonly #document: oas31.OpenAPIObject;
  /** By path and status. */
  readonly #responses = new Map<string, Response>();
  // OpenAPI adds keywords to JSON Schema. Formats are hints: what binds is the pattern beside them.
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false });
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #unobserved = new Set<string>();

  constructor(document: oas31.OpenAPIObject) {
    this.#document = document;
    for (const [path, { get, post }] of Object.entries(document.paths ?? {})) {
      for (const [status, response] of Object.entries((post ?? get)?.responses ?? {}))
        this.#add(path, status, resolve<Response>(document, response));
    }
  }

  #add(path: string, status: string, response: Response): void {
    this.#responses.set(`${path} ${status}`, response);
    for (const [type, { examples }] of Object.entries(response.content ?? { 'no body': {} })) {
      for (const kind of type === PROBLEM ? Object.keys(examples ?? {}) : [type])
        this.#unobserved.add(`${path} ${status} ${kind}`);
    }
  }

  /** Documented answers that none was like so far, as path, status and kind: the code of a problem, or the media type. */
  get unobserved(): readonly string[] {
    return [...this.#unobserved];
  }

  /** What is wrong with an answer; nothing, if it is as documented. */
  complaints({ method, path, status, headers, body }: Observation): readonly string[] {
    if (FOR_TESTS.test(path) || (method === 'OPTIONS' && status === 204)) return [];
    const response = this.#responseOf(path, status);
    if (response === undefined) return [`${status} is not documented`];
    const wrongHeaders = this.#wrongHeaders(response, headers);
    if (method === 'HEAD') return body === '' ? wrongHeaders : [...wrongHeaders, 'HEAD has a body'];
    const type = body === '' ? 'no body' : (headers['content-type']?.split(';')[0] ?? 'no type');
    const wrongBody = this.#wrongBody(`${path} ${status}`, response, type, body);
    if (wrongBody.length === 0) {
      const kind = type === PROBLEM ? JSON.parse(body).type.replace('/docs#', '') : type;
      this.#unobserved.delete(`${path} ${status} ${kind}`);
    }
    return [...wrongHeaders, ...wrongBody];
  }

  #responseOf(path: string, status: number): Response | undefined {
    if (this.#document.paths?.[path] !== undefined) return this.#responses.get(`${path} ${status}`);
    const response = this.#document.components?.responses?.[ON_ANY_PATH[status] ?? ''];
    return response && resolve(this.#document, response);
  }

  #wrongHeaders({ headers = {} }: Response, sent: Observation['headers']): readonly string[] {
    return Object.entries(headers).flatMap(([name, documented]) => {
      const { required, schema = {} } = resolve<oas31.HeaderObject>(this.#document, documented);
      const text = sent[name.toLowerCase()];
      if (text === undefined) return required ? [`the header ${name} is missing`] : [];
      const value = 'type' in schema && schema.type === 'integer' ? Number(text) : text;
      return this.#ajv.validate(schema, value) ? [] : [`the header ${name} is ${text}`];
    });
  }

  #wrongBody(place: string, { content = {} }: Response, type: string, body: string): readonly string[] {
    const schema = content[type]?.schema;
    if (schema === undefined) {
      const isDocumented = type === 'no body' && Object.keys(content).length === 0;
      return isDocumented ? [] : [`${type} is not documented`];
    }
    const key = `${place} ${type}`;
    // References are to the components, so those must be within reach.
    const validate =
      this.#validators.get(key) ?? this.#ajv.compile({ ...schema, components: this.#document.components });
    this.#validators.set(key, validate);
    try {
      if (validate(JSON.parse(body))) return [];
    } catch {
      return ['the body is not JSON'];
    }
    return (
      validate.errors?.map(
        ({ instancePath, message, params }) =>
          `${instancePath || 'the body'} ${message} ${JSON.stringify(params)}`,
      ) ?? []
    );
  }
}
