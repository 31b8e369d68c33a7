/** `origin` with some of its members replaced. */
export function standIn<T extends object>(origin: T, members: Partial<T>): T {
  return new Proxy(origin, {
    get: (target, name) => {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name) as unknown;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

/** `origin` with `look` called before and after each of its calls that answer with a promise. */
export function observed<T extends object>(origin: T, look: (method: string, result?: unknown) => void): T {
  return new Proxy(origin, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]): unknown => {
        look(String(name));
        const answer: unknown = Reflect.apply(member, target, given);
        if (!(answer instanceof Promise)) return answer;
        return answer.then(
          (result: unknown) => {
            look(String(name), result);
            return result;
          },
          (error: unknown) => {
            look(String(name));
            throw error;
          },
        );
      };
    },
  });
}
