import { svg, type SVGTemplateResult, html, type TemplateResult } from 'lit';

/** Shapes on a grid of 24 by 24, drawn as lines of the text's colour. */
const SHAPES = {
  attach: svg`<path d="m20.5 11.5-8.6 8.6a5 5 0 0 1-7.1-7.1l8.9-8.9a3.4 3.4 0 0 1 4.8 4.8l-8.9 8.8a1.7 1.7 0 0 1-2.4-2.4l8.2-8.1"/>`,
  bolt: svg`<path d="M13 3 5 13.5h6L10.5 21 19 10.500h-6z"/>`,
  check: svg`<path d="m5 12.5 4.5 4.500L19 7.5"/>`,
  chevron: svg`<path d="m9 6 6 6-6 6"/>`,
  close: svg`<path d="M6 6l12 12M18 6 6 18"/>`,
  copy: svg`<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M15.5 8.500v-2a2 2 0 0 0-2-2h-7a2 2 0 0 0-2 2v7a2 2 0 0 0 2 2h2"/>`,
  dark: svg`<path d="M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10z"/>`,
  down: svg`<path d="M12 5v14m-6-6 6 6 6-6"/>`,
  download: svg`<path d="M12 4v11m-4.5-4.500L12 15l4.5-4.500M5 19.500h14"/>`,
  edit: svg`<path d="m14.5 6 3.5 3.500M5 19l.8-4L16 4.800a1.7 1.7 0 0 1 2.4 0l.8.8a1.7 1.7 0 0 1 0 2.400L9 18.200z"/>`,
  file: svg`<path d="M13.5 3.500H7a1.5 1.5 0 0 0-1.5 1.500v14A1.5 1.5 0 0 0 7 20.500h10a1.5 1.5 0 0 0 1.5-1.500V8.500zM13.5 3.500v5h5M9 13h6m-6 3.500h4"/>`,
  light: svg`<circle cx="12" cy="12" r="4"/><path d="M12 3v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.400M18.4 5.6 17 7M7 17l-1.4 1.4"/>`,
  menu: svg`<path d="M4 7h16M4 12h16M4 17h16"/>`,
  pin: svg`<path d="M9 3.500h6l-.8 6.500 3.300 3.500h-11L9.800 10zM12 13.500V20.500"/>`,
  plus: svg`<path d="M12 5v14M5 12h14"/>`,
  refresh: svg`<path d="M19.5 12a7.5 7.5 0 1 1-2.3-5.400L19.5 9m0-5v5h-5"/>`,
  send: svg`<path d="M12 19V5m-6 6 6-6 6 6"/>`,
  settings: svg`<path d="M4 7h9m5 0h2M4 17h2m5 0h9"/><circle cx="15.5" cy="7" r="2.5"/><circle cx="8.5" cy="17" r="2.5"/>`,
  stop: svg`<rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor"/>`,
  storage: svg`<ellipse cx="12" cy="6" rx="7.5" ry="2.8"/><path d="M4.500 6v12c0 1.500 3.400 2.800 7.500 2.800s7.500-1.300 7.500-2.800V6M4.500 12c0 1.500 3.400 2.800 7.500 2.800s7.500-1.300 7.500-2.800"/>`,
  system: svg`<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>`,
  timeline: svg`<path d="M4 6h7M8 12h9M13 18h7"/>`,
  trash: svg`<path d="M5 7h14M10 7V4.500h4V7m-7.5 0 .8 12.500h9.400L17.5 7"/>`,
  waiting: svg`<circle cx="12" cy="12" r="8"/><path d="M12 7.5V12l3 2"/>`,
  up: svg`<path d="M12 19V5m-6 6 6-6 6 6"/>`,
  upload: svg`<path d="M12 15V4m-4.500 4.500L12 4l4.500 4.500M5 19.500h14"/>`,
} satisfies Record<string, SVGTemplateResult>;

/** The name of an icon. */
export type IconName = keyof typeof SHAPES;

/** An icon. It says nothing to a screen reader: whatever it stands in has a name of its own. */
export function icon(name: IconName): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    ${SHAPES[name]}
  </svg>`;
}
