import type { ReadableTrace, TraceSink } from '../contract/trace.ts';
import { LashError } from '../core/error.ts';
import type { TraceLines, TraceReadRequest } from '../protocol/api.ts';
import { FanoutTraceSink } from '../sinks/fanout-trace-sink.ts';
import { fileNameOf } from './file-name.ts';

const DEFAULT_CHUNK_BYTES = 256 * 1024;

/**
 * Some lines of a trace that `sink` keeps. A read from the beginning includes what waited to be written.
 *
 * @throws `InvalidEnvironment` when the environment keeps no trace of that name.
 */
export async function readTrace(sink: TraceSink | null, request: TraceReadRequest): Promise<TraceLines> {
  const { name, sessionId, cursor, maxBytes = DEFAULT_CHUNK_BYTES } = request;
  const trace = readableTraces(sink).find((candidate) => name === undefined || candidate.name === name);
  if (trace === undefined) {
    const reason = `it keeps no trace${name === undefined ? '' : ` called ${name}`} that can be read back`;
    throw new LashError('InvalidEnvironment', `There is nothing to export: ${reason}`, {
      field: 'traceSink',
      reason,
    });
  }
  if (cursor === undefined) await trace.flush();
  const chunk = await trace.readLines({
    maxBytes,
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(cursor === undefined ? {} : { cursor }),
  });
  return { name: trace.name, fileName: fileNameOf(trace.name, 'trace'), ...chunk };
}

/** The sinks that can be read, those within others included. */
function readableTraces(sink: TraceSink | null): readonly ReadableTrace[] {
  if (sink === null) return [];
  if (isReadable(sink)) return [sink];
  return sink instanceof FanoutTraceSink ? sink.sinks.flatMap(readableTraces) : [];
}

function isReadable(sink: TraceSink): sink is ReadableTrace {
  return 'readLines' in sink && typeof sink.readLines === 'function';
}
