/** A drawing for each product, until the shop uploads a picture. */

const DRAWINGS = {
  'linen-shirt': ['#dfe9e4', (
    <>
      <path d="M66 48 40 66 26 104l22 9 8-18v69h88V95l8 18 22-9-14-38-26-18q-34 24-68 0Z" fill="#7fa396" />
      <path d="M66 48q34 24 68 0l-12-6H78Z" fill="#5f8477" />
      <path d="M100 62v102" stroke="#5f8477" strokeWidth="3" />
      <g fill="#f4efe6"><circle cx="106" cy="82" r="3" /><circle cx="106" cy="106" r="3" /><circle cx="106" cy="130" r="3" /></g>
    </>
  )],
  'canvas-shoes': ['#f3e3d3', (
    <>
      <path d="M30 84q18 14 36 6l12-8 32 34q24 6 44 10 18 4 18 20v6H30Z" fill="#c9714f" />
      <path d="M138 121q34 4 34 25v6h-42Z" fill="#f4efe6" />
      <path d="M26 146h148v8q0 8-8 8H34q-8 0-8-8Z" fill="#f4efe6" />
      <path d="M26 154h148" stroke="#d9cbb8" strokeWidth="3" />
      <path d="m78 100 12-9m-2 20 13-9m-2 20 13-9" stroke="#f4efe6" strokeWidth="4" strokeLinecap="round" />
    </>
  )],
  'straw-hat': ['#efe6cf', (
    <>
      <ellipse cx="100" cy="132" rx="80" ry="22" fill="#d9b25f" />
      <path d="M58 128q0-70 42-70t42 70q-42 16-84 0Z" fill="#e6c67c" />
      <path d="M56 118q44 16 88 0l1 13q-45 16-90 0Z" fill="#1f4d46" />
      <path d="M72 90q28 8 56 0M82 72q18 5 36 0" fill="none" stroke="#c79d45" strokeWidth="2.5" />
    </>
  )],
  'enamel-mug': ['#dbe5ee', (
    <>
      <path d="M132 82h14q20 0 20 24t-20 24h-14" fill="none" stroke="#f8fafb" strokeWidth="11" />
      <path d="M50 62h86v78q0 14-14 14H64q-14 0-14-14Z" fill="#f8fafb" />
      <path d="M118 62h18v78q0 14-14 14h-10q6-3 6-14Z" fill="#e3e9ee" />
      <path d="M46 62h94" stroke="#2f5d86" strokeWidth="8" strokeLinecap="round" />
      <path d="M64 112q10-10 20 0t20 0" fill="none" stroke="#2f5d86" strokeWidth="5" strokeLinecap="round" />
    </>
  )],
  'stone-vase': ['#e4e4da', (
    <>
      <path d="M100 84q-4-34-24-52m24 52q2-40 6-58m-6 58q10-30 28-42" fill="none" stroke="#6d7f58" strokeWidth="3.5" />
      <g fill="#8ea06f"><ellipse cx="76" cy="34" rx="6" ry="13" transform="rotate(-28 76 34)" /><ellipse cx="106" cy="28" rx="6" ry="14" /><ellipse cx="129" cy="42" rx="6" ry="13" transform="rotate(34 129 42)" /></g>
      <path d="M86 76h28l-2 18q34 16 34 44 0 24-22 30H76q-22-6-22-30 0-28 34-44Z" fill="#93a39a" />
      <path d="M56 126q44 16 88 0 2 6 2 12 0 24-22 30H76q-22-6-22-30 0-6 2-12Z" fill="#7a8c82" />
    </>
  )],
  'beeswax-candle': ['#f5e6cb', (
    <>
      <circle cx="100" cy="56" r="34" fill="#fbf1dc" />
      <path d="M100 34q16 20 0 36-16-16 0-36Z" fill="#e8912d" />
      <path d="M100 66v14" stroke="#5a4632" strokeWidth="3" />
      <rect x="72" y="80" width="56" height="80" rx="6" fill="#e2ae4a" />
      <path d="M112 80h10q6 0 6 6v68q0 6-6 6h-10Z" fill="#cc9735" />
      <path d="M58 160h84q-4 12-16 12H74q-12 0-16-12Z" fill="#1f4d46" />
    </>
  )],
  'field-bag': ['#e6ded4', (
    <>
      <path d="M66 78q0-40 34-40t34 40" fill="none" stroke="#6f4a2f" strokeWidth="8" />
      <rect x="40" y="74" width="120" height="88" rx="12" fill="#55684c" />
      <path d="M40 86q0-12 12-12h96q12 0 12 12v24q-60 22-120 0Z" fill="#43543c" />
      <path d="M70 92v38m60-38v38" stroke="#6f4a2f" strokeWidth="10" />
      <g fill="#d8b46a"><rect x="63" y="118" width="14" height="12" rx="2" /><rect x="123" y="118" width="14" height="12" rx="2" /></g>
    </>
  )],
  'tide-notebook': ['#d9e6e8', (
    <>
      <rect x="56" y="38" width="92" height="126" rx="8" fill="#f4efe6" />
      <rect x="50" y="36" width="92" height="126" rx="8" fill="#2c6170" />
      <path d="M66 36v126" stroke="#214c58" strokeWidth="5" />
      <path d="M80 118q8-9 16 0t16 0 16 0M80 132q8-9 16 0t16 0 16 0" fill="none" stroke="#cfe3e6" strokeWidth="3.5" strokeLinecap="round" />
      <circle cx="104" cy="84" r="15" fill="#e6c67c" />
    </>
  )],
};

export const Picture = ({ product }) => {
  if (product.image) return <img className="picture" src={product.image} alt={product.name} />;
  const [ground, drawing] = DRAWINGS[product.productId] ?? ['#e6ded4', null];
  return (
    <svg className="picture" viewBox="0 0 200 200" role="img" aria-label={product.name}>
      <rect width="200" height="200" fill={ground} />
      {drawing}
    </svg>
  );
};
