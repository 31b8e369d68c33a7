import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';

import type { App } from '../app/app.ts';
import { count } from '../app/format.ts';
import type { Kit } from '../app/kit.ts';
import type { KitResult } from '../kit/message.ts';
import { icon } from './icons.ts';

const MARKS = { passed: 'check', failed: 'close', unchecked: 'timeline' } as const;
const OUTCOMES = { passed: 'passed', failed: 'failed', unchecked: 'not checked here' } as const;

/** Runs the kit of conformance suites in this browser, and shows how each case ended. */
export function kitView(app: App): TemplateResult {
  const { kit } = app;
  const running = kit.state === 'running';
  return html`<div class="scroller" tabindex="0" role="region" aria-label="Check of this browser">
    <div class="sheet" data-testid="kit-page" data-state=${kit.state}>
      <section>
        <p>
          The runtime keeps your chats by rules: what it acknowledged is there, nothing is half done, two tabs
          cannot damage each other. Here every rule is tried on this browser’s own storage, in databases of
          their own that are deleted afterwards. Your chats are not touched.
        </p>
        <div class="kit-buttons">
          <button
            type="button"
            class="button is-main"
            data-testid="run-kit"
            ?disabled=${running}
            @click=${() => kit.run('conformance')}
          >
            Check this browser
          </button>
          <button
            type="button"
            class="button"
            data-testid="run-mutants"
            ?disabled=${running}
            @click=${() => kit.run('mutants')}
          >
            Check the check
          </button>
          ${
            running
              ? html`<button
                  type="button"
                  class="button"
                  data-testid="stop-kit"
                  @click=${() => app.notices.run(kit.stop())}
                >
                  ${icon('stop')} Stop
                </button>`
              : nothing
          }
        </div>
        <p class="muted">
          “Check the check” runs the rules on stores that are broken on purpose: each of them must be found
          out.
        </p>
      </section>
      ${kit.state === 'idle' ? nothing : outcome(kit)}
    </div>
  </div>`;
}

function outcome(kit: Kit): TemplateResult {
  const suites = [...new Set(kit.results.map(({ suite }) => suite))];
  return html`<section aria-labelledby="kit-outcome">
      <div role="status"><h3 id="kit-outcome" data-testid="kit-summary">${summary(kit)}</h3></div>
      <progress
        aria-label="How much of the check is done"
        max=${Math.max(kit.total, 1)}
        .value=${kit.results.length}
      ></progress>
      ${cases(kit.results.filter((result) => result.outcome === 'failed'))}
    </section>
    <section class="kit-suites" aria-label="All cases">
      ${suites.map((suite) => {
        const results = kit.results.filter((result) => result.suite === suite && result.outcome !== 'failed');
        return html`<details class="kit-suite">
          <summary>${icon('chevron')} ${suite} <span class="muted">${count(results.length)}</span></summary>
          ${cases(results)}
        </details>`;
      })}
    </section>`;
}

function summary(kit: Kit): string {
  const parts = [`${count(kit.count('passed'))} of ${count(kit.total)} passed`];
  if (kit.count('failed') > 0) parts.push(`${count(kit.count('failed'))} failed`);
  if (kit.count('unchecked') > 0) parts.push(`${count(kit.count('unchecked'))} not checked here`);
  if (kit.state === 'running') parts.push('still running');
  if (kit.state === 'stopped') parts.push('stopped');
  if (kit.state === 'busy') return 'Another tab runs this check already.';
  return parts.join(', ');
}

function cases(results: readonly KitResult[]): TemplateResult | typeof nothing {
  if (results.length === 0) return nothing;
  return html`<ul class="kit-cases">
    ${repeat(
      results,
      ({ name }) => name,
      ({ name, outcome: how, detail }) =>
        html`<li class="is-${how}" data-testid="kit-case" data-outcome=${how}>
          ${icon(MARKS[how])}<span class="visually-hidden">${OUTCOMES[how]}:</span>
          <span>${name}${detail === '' ? nothing : html`<span class="kit-detail">${detail}</span>`}</span>
        </li>`,
    )}
  </ul>`;
}
