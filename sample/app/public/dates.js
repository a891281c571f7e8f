/** A FHIR date may lack month and day and has no time zone: it means the same day everywhere. */
export function toDate(text) {
  if (text.includes('T')) return new Date(text);
  const [year, month = 1, day = 1] = text.split('-').map(Number);
  return new Date(year, month - 1, day);
}

/** `3 Dec 2011`, or as much of it as is known. */
export function formatDate(text) {
  const [, month, day] = text.split('-');
  return toDate(text).toLocaleDateString('en-GB', {
    year: 'numeric',
    ...(month && { month: 'short' }),
    ...(day && { day: 'numeric' }),
  });
}

/** `64 y`, for small children `7 mo`; empty where the birth date is not known to the day. */
export function age(birthDate, at = new Date()) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(birthDate)) return '';
  const birth = toDate(birthDate);
  const beforeDayOfMonth = at.getDate() < birth.getDate() ? 1 : 0;
  const months =
    (at.getFullYear() - birth.getFullYear()) * 12 + at.getMonth() - birth.getMonth() - beforeDayOfMonth;
  return months < 24 ? `${months} mo` : `${Math.floor(months / 12)} y`;
}
