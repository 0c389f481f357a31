import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Clickspool } from 'clickspool/react';
import { App } from './App.jsx';
import { config } from './config.js';
import { getToken } from './session.js';
import { Shop } from './shop.jsx';
import './styles.css';

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <Clickspool endpoint={config.endpoint} getToken={getToken}>
      <Shop>
        <App />
      </Shop>
    </Clickspool>
  </StrictMode>,
);
