/** What a place does with files that are dropped on it. */
export interface FileDrop {
  readonly over: (event: DragEvent) => void;
  readonly leave: (event: DragEvent) => void;
  readonly drop: (event: DragEvent) => void;
}

/** Takes dropped files; the place has the class `is-dropping` while some hang over it. */
export function fileDrop(take: (files: readonly File[]) => void): FileDrop {
  const placeOf = (event: DragEvent) => event.currentTarget as Element;
  return {
    over: (event) => {
      if (event.dataTransfer?.types.includes('Files') !== true) return;
      event.preventDefault();
      placeOf(event).classList.add('is-dropping');
    },
    leave: (event) => {
      const place = placeOf(event);
      if (!place.contains(event.relatedTarget as Node | null)) place.classList.remove('is-dropping');
    },
    drop: (event) => {
      placeOf(event).classList.remove('is-dropping');
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      take(files);
    },
  };
}
