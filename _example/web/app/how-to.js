// "How do I do this in my app?": one tab a client.

import { copyText, h } from './dom.js';
import { SNIPPETS } from './snippets.js';
import { tabRow } from './tabs.js';

export function howToPanel() {
  const code = h('code', {});
  const copy = h('button', { type: 'button', class: 'quiet', t: 'copy', onclick: () => copyText(code.textContent, copy) });
  const panel = h('div', { class: 'snippet', role: 'tabpanel', id: 'snippet', tabindex: 0 }, h('pre', {}, code));
  const tabs = tabRow(SNIPPETS.map(({ name }, at) => ({ name, id: `snippet-${at}`, controls: 'snippet' })), (at) => {
    code.textContent = SNIPPETS[at].text;
    panel.setAttribute('aria-labelledby', `snippet-${at}`);
  }, { 'aria-labelledby': 'how-title' });
  tabs.choose(0);
  return h('section', { class: 'how-to card', 'aria-labelledby': 'how-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'how-title', t: 'howTo' }), h('p', { t: 'howToHint' })),
    h('div', { class: 'bar' }, tabs.root, copy), panel);
}
