/** The page's script as text: it runs in the browser. */
declare const text: string;
export default text;
