import { money } from './shop.jsx';

export const Price = ({ product: { price, discountPrice } }) => (
  <span className="price">
    {discountPrice ? (
      <>
        <ins>{money(discountPrice)}</ins> <del>{money(price)}</del>
      </>
    ) : (
      money(price)
    )}
  </span>
);
