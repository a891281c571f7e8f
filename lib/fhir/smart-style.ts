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
const FONT_FAMILY = /^['"]?[\w -]{1,60}['"]?(\s*,\s*['"]?[\w -]{1,60}['"]?){0,10}$/;

const GRAMMAR: Record<keyof SmartStyle, RegExp> = {
  color_background: COLOR,
  color_error: COLOR,
  color_highlight: COLOR,
  color_modal_backdrop: COLOR,
  color_success: COLOR,
  color_text: COLOR,
  dim_border_radius: DIMENSION,
  dim_font_size: DIMENSION,
  dim_spacing_size: DIMENSION,
  font_family_body: FONT_FAMILY,
  font_family_heading: FONT_FAMILY,
};

/** Keeps what is safe to put into a style sheet; a value that could end its declaration is dropped. */
export function readSmartStyle(document: Record<string, unknown>): SmartStyle {
  const style: SmartStyle = {};
  for (const [name, grammar] of Object.entries(GRAMMAR) as [keyof SmartStyle, RegExp][]) {
    const value = document[name];
    if (typeof value === 'string' && grammar.test(value.trim())) style[name] = value.trim();
  }
  return style;
}
