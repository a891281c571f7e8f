/** Styling an EHR asks of its apps (SMART 2.2 "Styling"): only members whose value is a plain CSS token. */
export interface SmartStyle {
  color_background?: string;
  color_error?: string;
  color_highlight?: string;
  color_modal_backdrop?: string;
  color_success?: string;
  color_text?: string;
  dim_border_radius?: string;
  dim_font_size?: string;
  dim_spacing_size?: string;
  font_family_body?: string;
  font_family_heading?: string;
}

const COLOR = /^(#[0-9a-f]{3,8}|[a-z]{3,30}|rgba?\([\d\s,.%/]{3,40}\)|hsla?\([\d\s,.%/deg]{3,40}\))$/i;
const DIMENSION = /^\d{1,5}(\.\d{1,4})?(px|em|rem|pt|%)?$/;
const FONT = /^([\w-][\w -]{0,59}|'[\w -]{1,60}'|"[\w -]{1,60}")$/;
const MAX_FONTS = 11;

const isColor = (value: string) => COLOR.test(value);
const isDimension = (value: string) => DIMENSION.test(value);

/** Name by name: one pattern for the whole list would take time without end to say no. */
function isFontFamily(value: string): boolean {
  const fonts = value.split(',', MAX_FONTS + 1);
  return fonts.length <= MAX_FONTS && fonts.every((font) => FONT.test(font.trim()));
}

const GRAMMAR: Record<keyof SmartStyle, (value: string) => boolean> = {
  color_background: isColor,
  color_error: isColor,
  color_highlight: isColor,
  color_modal_backdrop: isColor,
  color_success: isColor,
  color_text: isColor,
  dim_border_radius: isDimension,
  dim_font_size: isDimension,
  dim_spacing_size: isDimension,
  font_family_body: isFontFamily,
  font_family_heading: isFontFamily,
};

/** Keeps what is safe to put into a style sheet; a value that could end its declaration is dropped. */
export function readSmartStyle(document: Record<string, unknown>): SmartStyle {
  const style: SmartStyle = {};
  for (const [name, isSafe] of Object.entries(GRAMMAR) as [keyof SmartStyle, (value: string) => boolean][]) {
    const value = document[name];
    if (typeof value === 'string' && isSafe(value.trim())) style[name] = value.trim();
  }
  return style;
}
