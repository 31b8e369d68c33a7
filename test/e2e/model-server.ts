import { type ChatCompletionRequest, type Fixture, LLMock, type ToolCall } from '@copilotkit/aimock';

import type { Play } from './plays.ts';

/** What the mock answers to a message: tool calls if there are some, and then a text. */
export interface MockAnswer {
  readonly toolCalls?: readonly ToolCall[];
  readonly content: string;
}

/**
 * A model server on the loopback interface. It streams as OpenAI-compatible servers do: text and the arguments of tool
 * calls in small pieces, usage in the last chunk. What it is told to play comes first, one play for each request; the
 * other requests are answered by the mock.
 */
export class ModelServer {
  /** The `authorization` headers that came, one for each request that was played. */
  readonly keys: (string | undefined)[] = [];
  readonly #mock = new LLMock({ port: 0, host: '127.0.0.1' });
  readonly #plays: Play[] = [];

  private constructor() {
    this.#mock.mount('/v1/chat/completions', {
      handleRequest: async (request, response) => {
        const play = request.method === 'POST' ? this.#plays.shift() : undefined;
        if (play === undefined) return false;
        this.keys.push(request.headers.authorization);
        await play(response, request);
        return true;
      },
    });
  }

  static async start(): Promise<ModelServer> {
    const server = new ModelServer();
    await server.#mock.start();
    return server;
  }

  get baseUrl(): string {
    return `${this.#mock.url}/v1`;
  }

  /** Plays these for the next requests, one each. */
  plays(...plays: readonly Play[]): void {
    this.#plays.push(...plays);
  }

  /** What the mock says to messages that contain `userMessage`. */
  answers(userMessage: string, { toolCalls = [], content }: MockAnswer): void {
    const inPieces = { chunkSize: 7, latency: 1 } satisfies Partial<Fixture>;
    if (toolCalls.length > 0) {
      const match = { userMessage, hasToolResult: false };
      this.#mock.addFixture({ ...inPieces, match, response: { toolCalls: [...toolCalls] } });
      this.#mock.addFixture({
        ...inPieces,
        match: { userMessage, hasToolResult: true },
        response: { content },
      });
      return;
    }
    this.#mock.addFixture({ ...inPieces, match: { userMessage }, response: { content } });
  }

  /** The bodies of the requests that the mock got, in order. */
  get requests(): readonly ChatCompletionRequest[] {
    return this.#mock
      .getRequests()
      .flatMap(({ body }) => (body === null ? [] : [body as ChatCompletionRequest]));
  }

  /** Forgets answers, plays and requests. */
  reset(): void {
    this.#plays.length = 0;
    this.keys.length = 0;
    this.#mock.clearFixtures();
    this.#mock.clearRequests();
  }

  async stop(): Promise<void> {
    await this.#mock.stop();
  }
}
