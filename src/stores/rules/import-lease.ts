/** The name of the lease that an import holds: as long as somebody does, its session is not taken for abandoned. */
export function importLease(sessionId: string): string {
  return `import:${sessionId}`;
}
