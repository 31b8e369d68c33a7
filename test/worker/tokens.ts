/** How many tokens come in one task, as a network brings many events in one chunk. */
const PER_TASK = 100;

/** `count` tokens of 5 characters, as fast as they can be made. */
export async function* tokens(count: number): AsyncGenerator<string> {
  const { port1, port2 } = new MessageChannel();
  try {
    for (let n = 0; n < count; n++) {
      if (n % PER_TASK === PER_TASK - 1) await nextTask(port1, port2);
      yield `tok${n % 10} `;
    }
  } finally {
    port1.close();
  }
}

function nextTask(from: MessagePort, to: MessagePort): Promise<void> {
  return new Promise((resolve) => {
    to.onmessage = () => resolve();
    from.postMessage(null);
  });
}
