import { useState } from 'react';
import { useTracker, useTrackOnce } from 'clickspool/react';
import { Picture } from '../art.jsx';
import { Notice } from '../Notice.jsx';
import { Price } from '../Price.jsx';
import { Link } from '../route.jsx';
import { fieldsOf, useShop } from '../shop.jsx';

export const Product = ({ id }) => {
  const { products, add } = useShop();
  const tracker = useTracker();
  const [quantity, setQuantity] = useState(1);
  const [added, setAdded] = useState(0);
  const product = products.find(({ productId }) => productId === id);
  useTrackOnce('product_view', product && fieldsOf(product), product ? id : null);

  if (!product) return <Notice>We do not sell that.</Notice>;
  const addToCart = (event) => {
    event.preventDefault();
    add(id, quantity);
    tracker.addToCart(fieldsOf(product), quantity);
    setAdded(added + quantity);
  };
  return (
    <>
      <Link to="/" className="back">← All products</Link>
      <article className="product">
        <Picture product={product} />
        <div>
          <p className="maker">{product.brand} · {product.category}</p>
          <h1>{product.name}</h1>
          <Price product={product} />
          <p>{product.text}</p>
          <form onSubmit={addToCart} className="buy">
            <label>
              Quantity
              <select value={quantity} onChange={(event) => setQuantity(+event.target.value)}>
                {[1, 2, 3, 4, 5].map((number) => <option key={number}>{number}</option>)}
              </select>
            </label>
            <button className="main">Add to cart</button>
          </form>
          <p role="status" className="added">
            {added > 0 && <>Added {added}. <Link to="/cart">To the cart</Link></>}
          </p>
        </div>
      </article>
    </>
  );
};
