import { formatDate } from './dates.js';
import { element } from './dom.js';

export function conditionList(conditions) {
  const current = conditions.filter((condition) => verification(condition) !== 'refuted').sort(newestFirst);
  if (current.length === 0) return element('p', { class: 'state' }, 'No active conditions recorded.');
  return element('ul', { class: 'conditions' }, ...current.map(listItem));
}

function listItem(condition) {
  const { code } = condition;
  const name =
    code?.text ?? code?.coding?.find(({ display }) => display)?.display ?? 'Condition without a name';
  const status = verification(condition);
  const onset = onsetOf(condition);
  const details = [onset && `since ${formatDate(onset)}`, status && status !== 'confirmed' && status].filter(
    Boolean,
  );
  return element('li', {}, name, element('span', {}, details.join(', ')));
}

function onsetOf({ onsetDateTime, onsetPeriod, recordedDate }) {
  return onsetDateTime ?? onsetPeriod?.start ?? recordedDate;
}

function verification({ verificationStatus }) {
  return verificationStatus?.coding?.[0]?.code;
}

function newestFirst(a, b) {
  return (onsetOf(b) ?? '').localeCompare(onsetOf(a) ?? '');
}
