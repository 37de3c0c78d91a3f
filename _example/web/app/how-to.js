// "How do I do this in my app?": one tab a client.

import { copyText, h } from './dom.js';
import { SNIPPETS } from './snippets.js';

export function howToPanel() {
  const code = h('code', {});
  const copy = h('button', { type: 'button', class: 'quiet', t: 'copy', onclick: () => copyText(code.textContent, copy) });
  const panel = h('div', { class: 'snippet', role: 'tabpanel', id: 'snippet', tabindex: 0 }, h('pre', {}, code));
  const tabs = SNIPPETS.map(({ name, text }, at) => h('button', {
    type: 'button', class: 'tab', role: 'tab', id: `snippet-${at}`, 'aria-controls': 'snippet', onclick: () => choose(at),
  }, name));
  const list = h('div', { class: 'tabs', role: 'tablist', 'aria-labelledby': 'how-title', onkeydown }, ...tabs);

  let chosen = 0;
  function choose(at) {
    chosen = at;
    code.textContent = SNIPPETS[at].text;
    panel.setAttribute('aria-labelledby', `snippet-${at}`);
    tabs.forEach((tab, i) => {
      tab.setAttribute('aria-selected', String(i === at));
      tab.tabIndex = i === at ? 0 : -1;
    });
  }
  function onkeydown(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    choose((chosen + step + tabs.length) % tabs.length);
    tabs[chosen].focus();
  }
  choose(0);
  return h('section', { class: 'how-to card', 'aria-labelledby': 'how-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'how-title', t: 'howTo' }), h('p', { t: 'howToHint' })),
    h('div', { class: 'bar' }, list, copy), panel);
}
