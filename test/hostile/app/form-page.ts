/** Values of the page’s hidden fields, as a browser would read them. */
export function fieldsOf(page: string): Record<string, string> {
  const decode = (text: string) =>
    text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
  const inputs = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  return Object.fromEntries(inputs.map(([, name = '', value = '']) => [decode(name), decode(value)]));
}
