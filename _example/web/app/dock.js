// What stands under the two people: the five steps of the last message, and
// below them a panel with the ways to break it, the frames, or the steps at length.

import { breakItPanel } from './break-it.js';
import { h } from './dom.js';
import { framesPanel } from './frames.js';
import { stepsPanels } from './steps.js';
import { tabRow } from './tabs.js';

export function dock(people) {
  const steps = stepsPanels(people);
  const panels = [['breakIt', breakItPanel(people)], ['frames', framesPanel(people)], ['fiveSteps', steps.explained]];
  for (const [key, panel] of panels) {
    for (const [name, value] of [['role', 'tabpanel'], ['id', `panel-${key}`], ['aria-labelledby', `tab-${key}`]]) panel.setAttribute(name, value);
  }
  const tabs = tabRow(panels.map(([key]) => ({ t: key, id: `tab-${key}`, controls: `panel-${key}` })), (at) => {
    panels.forEach(([, panel], i) => { panel.hidden = i !== at; });
    if (root?.isConnected) root.scrollIntoView({ block: 'nearest' }); // the taller panels reach below the screen
  }, { tLabel: 'protocol' });
  let root = null;
  tabs.choose(0);
  root = h('section', { class: 'dock card', tLabel: 'protocol' },
    steps.strip, tabs.root, ...panels.map(([, panel]) => panel));
  return root;
}
