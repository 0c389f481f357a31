import { useState } from 'react';
import { Picture } from '../art.jsx';
import { Price } from '../Price.jsx';
import { Link } from '../route.jsx';
import { useShop } from '../shop.jsx';

const ALL = 'Everything';

export const Browse = () => {
  const { products } = useShop();
  const [shown, setShown] = useState(ALL);
  const categories = [ALL, ...new Set(products.map(({ category }) => category))];
  return (
    <>
      <section className="hero">
        <h1>Plain things for wind and weather</h1>
        <p>Clothes, kitchen and home from makers along the coast.</p>
      </section>
      <div className="filters" role="group" aria-label="Category">
        {categories.map((category) => (
          <button
            key={category}
            aria-pressed={category === shown}
            onClick={() => setShown(category)}
          >
            {category}
          </button>
        ))}
      </div>
      <ul className="grid">
        {products
          .filter(({ category }) => shown === ALL || category === shown)
          .map((product) => (
            <li key={product.productId}>
              <Link to={`/product/${product.productId}`} className="card">
                <Picture product={product} />
                <span className="name">{product.name}</span>
                <span className="maker">{product.brand}</span>
                <Price product={product} />
              </Link>
            </li>
          ))}
      </ul>
    </>
  );
};
