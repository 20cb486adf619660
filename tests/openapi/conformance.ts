import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { oas31 } from 'zod-openapi';
import { PROBLEM_MEDIA_TYPE } from '../../src/api/problems';
import { resolve } from '../../src/site/resolve';
import type { Observation } from './observations';

type Response = oas31.ResponseObject;

/** The media type of what has no body. */
const NO_BODY = 'no body';

/** What test Workers add. */
const FOR_TESTS = /^\/test\//;

/** What paths that are not documented may answer: names of components. */
const ON_ANY_PATH: Readonly<Record<number, string>> = {
  403: 'OriginNotAllowed',
  404: 'NotFound',
  500: 'InternalError',
};

/** What methods that a path does not have may answer. It is documented at the one that it has. */
const ON_ANY_METHOD: readonly number[] = [403, 405, 500];

/** Headers that say something about an answer, and so may come where they are documented only. */
const TELLING = ['allow', 'presence-live', 'retry-after'];

/** Compares answers with an OpenAPI document: each that comes must be documented, and each that is documented should come. */
export class Conformance {
  readonly #document: oas31.OpenAPIObject;
  /** The method that each path has. */
  readonly #methods = new Map<string, string>();
  /** By path and status. */
  readonly #responses = new Map<string, Response>();
  // OpenAPI adds keywords to JSON Schema. Formats are hints: what binds is the pattern beside them.
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false });
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #unobserved = new Set<string>();

  constructor(document: oas31.OpenAPIObject) {
    this.#document = document;
    for (const [path, { get, post }] of Object.entries(document.paths ?? {})) {
      this.#methods.set(path, post === undefined ? 'GET' : 'POST');
      for (const [status, response] of Object.entries((post ?? get)?.responses ?? {}))
        this.#add(path, status, resolve<Response>(document, response));
    }
  }

  #add(path: string, status: string, response: Response): void {
    this.#responses.set(`${path} ${status}`, response);
    for (const [type, { examples }] of Object.entries(response.content ?? { [NO_BODY]: {} })) {
      for (const kind of type === PROBLEM_MEDIA_TYPE ? Object.keys(examples ?? {}) : [type])
        this.#unobserved.add(`${path} ${status} ${kind}`);
    }
  }

  /** Documented answers that none was like so far, as path, status and kind: the code of a problem, or the media type. */
  get unobserved(): readonly string[] {
    return [...this.#unobserved];
  }

  /** What is wrong with an answer; nothing, if it is as documented. */
  complaints({ method, path, status, headers, body }: Observation): readonly string[] {
    if (FOR_TESTS.test(path)) return [];
    if (method === 'OPTIONS' && status === 204) return body === '' ? [] : ['a preflight has a body'];
    const response = this.#responseTo(method, path, status);
    if (response === undefined) return [`${status} is not documented`];
    const type = headers['content-type']?.split(';')[0] ?? NO_BODY;
    const wrong = [
      ...this.#wrongHeaders(response, headers),
      ...(isIn(response, type) ? [] : [`${type} is not documented`]),
    ];
    if (method === 'HEAD') return body === '' ? wrong : [...wrong, 'HEAD has a body'];
    if (wrong.length === 0) wrong.push(...this.#wrongBody(`${path} ${status}`, response, type, body));
    if (wrong.length === 0) {
      const kind = type === PROBLEM_MEDIA_TYPE ? JSON.parse(body).type.replace('/docs#', '') : type;
      this.#unobserved.delete(`${path} ${status} ${kind}`);
    }
    return wrong;
  }

  #responseTo(method: string, path: string, status: number): Response | undefined {
    const documented = this.#methods.get(path);
    if (documented === undefined) {
      const response = this.#document.components?.responses?.[ON_ANY_PATH[status] ?? ''];
      return response && resolve(this.#document, response);
    }
    const isOperation = method === documented || (method === 'HEAD' && documented === 'GET');
    const isPossible = isOperation ? status !== 405 : ON_ANY_METHOD.includes(status);
    return isPossible ? this.#responses.get(`${path} ${status}`) : undefined;
  }

  #wrongHeaders({ headers = {} }: Response, sent: Observation['headers']): readonly string[] {
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    const undocumented = TELLING.filter((name) => name in sent && !names.includes(name));
    return [
      ...undocumented.map((name) => `the header ${name} is not documented`),
      ...Object.entries(headers).flatMap(([name, documented]) => {
        const { required, schema = {} } = resolve<oas31.HeaderObject>(this.#document, documented);
        const text = sent[name.toLowerCase()];
        if (text === undefined) return required ? [`the header ${name} is missing`] : [];
        const value = 'type' in schema && schema.type === 'integer' ? Number(text) : text;
        return this.#ajv.validate(schema, value) ? [] : [`the header ${name} is ${text}`];
      }),
    ];
  }

  #wrongBody(place: string, { content = {} }: Response, type: string, body: string): readonly string[] {
    if (type === NO_BODY) return body === '' ? [] : ['it has a body'];
    const key = `${place} ${type}`;
    // References are to the components, so those must be within reach.
    const { components } = this.#document;
    const validate = this.#validators.get(key) ?? this.#ajv.compile({ ...content[type]?.schema, components });
    this.#validators.set(key, validate);
    try {
      if (validate(JSON.parse(body))) return [];
    } catch {
      return ['the body is not JSON'];
    }
    const errors = validate.errors ?? [];
    return errors.map(
      ({ instancePath, message, params }) =>
        `${instancePath || 'the body'} ${message} ${JSON.stringify(params)}`,
    );
  }
}

const isIn = ({ content }: Response, type: string) =>
  content === undefined ? type === NO_BODY : type in content;
