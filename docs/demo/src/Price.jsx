import { money } from './shop.jsx';

export const Price = ({ product: { price, discountPrice } }) => (
  <span className="price">
    {discountPrice && (
      <>
        <ins aria-label={`now ${money(discountPrice)}`}>{money(discountPrice)}</ins>{' '}
      </>
    )}
    {discountPrice ? <del aria-label={`instead of ${money(price)}`}>{money(price)}</del> : money(price)}
  </span>
);
